"""nginx in front of another server.

before: ws.js standpiped.py
"""

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from manners import a_port, missing, run

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx") or missing(
    "no nginx")

CONF = """
daemon off;
pid {folder}/pid;
error_log stderr;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port};
		location / {{
			proxy_pass http://{behind};
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection upgrade;
		}}
	}}
}}
"""

port = a_port()
folder = Path.cwd()
conf = folder / "conf"
conf.write_text(CONF.format(folder=folder, port=port,
                            behind=urlsplit(sys.argv[1]).netloc))
run([NGINX, "-p", folder, "-e", "stderr", "-c", conf], port)
