"""Chromium: what a page's own WebSocket does.

cannot: fragments ping vanish tls status
"""

import json
import shutil
import sys
import tempfile

from manners import missing

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    missing("no selenium for Python")

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    missing("no chromium, or no chromedriver")

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage"]

# It always offers compression, and does not say why it was refused.
CALL = r"""
const [task, done] = arguments;
const ws = new WebSocket(task.url, task.protocols);
const result = { pongs: [], messages: [] };
let wake = () => {};

ws.binaryType = "arraybuffer";
ws.onerror = () => { if (result.protocol === undefined) done({ refused: "" }); };
ws.onopen = () => {
	result.protocol = ws.protocol;
	result.extensions = ws.extensions;
	run().then(() => done(result));
};
ws.onmessage = ({ data }) => {
	result.messages.push(typeof data === "string" ? { text: data }
		: { binary: base64(new Uint8Array(data)) });
	wake();
};
ws.onclose = ({ code, reason, wasClean }) => {
	Object.assign(result, { code, reason, clean: wasClean });
	wake();
};

function base64(bytes) {
	let text = "";
	for (let i = 0; i < bytes.length; i += 4096)
		text += String.fromCharCode(...bytes.subarray(i, i + 4096));
	return btoa(text);
}

async function until(condition) {
	while (!condition() && result.code === undefined)
		await new Promise((resolve) => { wake = resolve; });
}

async function run() {
	let count = 0;
	for (const step of task.do) {
		const [[what, value]] = Object.entries(step);
		if (what === "text" || what === "say")
			ws.send(value);
		else if (what === "binary")
			ws.send(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)));
		else if (what === "close")
			ws.close(...value);
		if (["text", "binary", "receive"].includes(what)) {
			count++;
			await until(() => result.messages.length >= count);
		} else if (["close", "end"].includes(what))
			await until(() => false);
	}
}
"""


def start(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    return webdriver.Chrome(options=options, service=Service(DRIVER))


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    driver = start(folder)
    try:
        driver.set_script_timeout(20)
        print("ready", flush=True)
        for line in sys.stdin:
            task = json.loads(line)
            # A page of the same origin, as the daemon wants it.
            driver.get("http" + task["url"].removeprefix("ws"))
            print(json.dumps(driver.execute_async_script(CALL, task)),
                  flush=True)
    finally:
        driver.quit()
