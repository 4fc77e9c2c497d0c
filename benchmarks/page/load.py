"""Many visitors at once: `python -m benchmarks.page.load --clients 20 --seconds 60`.

Starts the page on the demo's models (or on what HEPHAESTUS_* names), lets every client ask for
samples of the dataset one after the other, and prints, and writes as JSON, how many answers each
got, how long they waited, and how the server's memory went. Results are kept for visitors to come
back to, within a budget that is set low here, so that it is full long before the end.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from gradio_client import Client

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run the load and report it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/space_load.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        server, url = serve(Path(scratch))
        try:
            report = measure(server.pid, url, args.clients, args.seconds)
            report["files_left"] = sum(path.is_file() for path in Path(scratch).rglob("*"))
        finally:
            stop(server)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=1) + "\n")
    for key, value in report.items():
        print(f"{key:>24}  {value}")
    print(f"written to {args.output}")


def serve(scratch: Path) -> tuple[subprocess.Popen, str]:
    """Start the page on a free port, its temporary files in `scratch`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"GRADIO_SERVER_PORT": str(port), "TMPDIR": str(scratch), "HF_HUB_OFFLINE": "1"}
    variables["HEPHAESTUS_MEMORY_MB"] = "32"
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "spaces" / "app.py")],
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return server, url
        except OSError:
            if server.poll() is not None:
                raise SystemExit("the page did not start") from None
            time.sleep(0.2)
    raise SystemExit("the page did not start within two minutes")


def stop(server: subprocess.Popen) -> None:
    """End the page, which may still be computing for those who have just left."""
    server.terminate()
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def samples() -> list[str]:
    """Ids of the dataset's test split."""
    sys.path.insert(0, str(ROOT / "spaces"))
    from page.inputs.catalogue import Catalogue
    from page.settings import Settings

    catalogue = Catalogue(Settings.from_environment())
    if not catalogue.configured:
        raise SystemExit("there is no dataset: run `make demo`, or set HEPHAESTUS_DATASET")
    entries = catalogue.entries.values()
    return sorted(entry.sample_id for entry in entries if entry.split == "test")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no memory figure for process {pid}")


def measure(pid: int, url: str, clients: int, seconds: float) -> dict[str, object]:
    """Ask from many threads for a while."""
    ids = samples()
    connected = [Client(url, verbose=False) for _ in range(clients)]
    connected[0].predict([], ids[0], "", "", -1, api_name="/predict")  # loads the models
    waits: list[list[float]] = [[] for _ in range(clients)]
    errors: list[str] = []
    page: list[float] = []
    rss = [memory_mb(pid)]
    end = time.monotonic() + seconds

    def visit(number: int) -> None:
        turn = number
        while time.monotonic() < end:
            started = time.monotonic()
            try:
                sample = ids[turn % len(ids)]
                connected[number].predict([], sample, "", "", -1, api_name="/predict")
            except Exception as error:  # every failure counts, whatever it is
                errors.append(f"{type(error).__name__}: {error}")
            waits[number].append(time.monotonic() - started)
            turn += 1

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        started = time.monotonic()
        urllib.request.urlopen(url, timeout=30).close()
        page.append(time.monotonic() - started)
        rss.append(memory_mb(pid))
        time.sleep(1)
    for thread in threads:
        thread.join()
    counts = [len(own) for own in waits]
    every = np.concatenate([np.asarray(own) for own in waits])
    half = rss[len(rss) // 2]
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": sum(counts),
        "errors": errors,
        "answers_a_client": [min(counts), max(counts)],
        "wait_median_s": round(float(np.median(every)), 2),
        "wait_95_percent_s": round(float(np.percentile(every, 95)), 2),
        "wait_max_s": round(float(every.max()), 2),
        "page_load_max_s": round(max(page), 3),
        "memory_start_mb": round(rss[0]),
        "memory_half_mb": round(half),
        "memory_end_mb": round(rss[-1]),
    }


if __name__ == "__main__":
    main()
