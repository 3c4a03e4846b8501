"""websocketd, with a program that echoes lines.

cannot: binary big empty orders compress
"""

import shutil

from manners import a_port, missing, run

WEBSOCKETD = shutil.which("websocketd") or missing("no websocketd")

port = a_port()
run([WEBSOCKETD, "--address=127.0.0.1", f"--port={port}", "--loglevel=fatal",
     "cat"], port)
