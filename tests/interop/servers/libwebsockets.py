"""libwebsockets' test server: it tells everybody what anybody says, as text.

options: --subprotocol=lws-mirror-protocol
cannot: binary whole big empty orders compress
"""

import shutil

from manners import a_port, missing, run

SERVER = shutil.which("libwebsockets-test-server") or missing(
    "no libwebsockets-test-server")

port = a_port()
run([SERVER, f"--port={port}", "--interface=lo"], port)
