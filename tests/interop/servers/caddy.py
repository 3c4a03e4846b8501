"""Caddy in front of another server.

before: ws.js standpiped.py
"""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from manners import a_port, missing, run

CADDY = shutil.which("caddy") or missing("no caddy")

CONF = """
{{
	admin off
	auto_https off
}}
http://:{port} {{
	bind 127.0.0.1
	reverse_proxy {behind}
}}
"""

port = a_port()
conf = Path("conf").resolve()
conf.write_text(CONF.format(port=port, behind=urlsplit(sys.argv[1]).netloc))
run([CADDY, "run", "--config", conf, "--adapter", "caddyfile"], port,
    env={**os.environ, "HOME": str(conf.parent)})
