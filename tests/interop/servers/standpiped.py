"""Our own daemon, for those that stand before it.

cannot: orders
"""

import os
from pathlib import Path

from manners import a_port, run

BUILD = os.environ.get("STANDPIPE_BUILD", Path(__file__).parents[3] / "build")

port = a_port()
run([Path(BUILD) / "standpiped", "--address=127.0.0.1", f"--port={port}",
     "--server-name=*", "--framing=frames", "--", "cat"], port)
