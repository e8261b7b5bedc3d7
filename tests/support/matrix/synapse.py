"""Runs Synapse in a folder, and ends it when standard input closes: also when whoever started us was killed.

A line on standard input is a command: `kill` (as `kill -9`), `start`. Each is answered by a line: its name.
"""
import signal
import subprocess
import sys
import time
import urllib.request

folder, port = sys.argv[1], sys.argv[2]


def start():
    child = subprocess.Popen(
        [sys.executable, "-m", "synapse.app.homeserver", "--config-path", f"{folder}/homeserver.yaml"],
        cwd=folder, stdout=open(f"{folder}/out.log", "ab"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )
    end = time.time() + 120
    while time.time() < end:
        if child.poll() is not None:
            print(f"synapse ended with {child.returncode}; see {folder}/out.log", flush=True)
            sys.exit(1)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
            return child
        except OSError:
            time.sleep(0.05)
    print("synapse did not start in time", flush=True)
    sys.exit(1)


child = start()
print("start", flush=True)
for line in sys.stdin:
    if line.strip() == "kill":
        child.kill()
        child.wait()
    elif line.strip() == "start":
        child = start()
    print(line.strip(), flush=True)
child.send_signal(signal.SIGKILL)
child.wait()
