"""Visitors who race through the examples: `python -m benchmarks.page.race --seconds 60`.

Starts the page on the demo's models (or on what HEPHAESTUS_* names). Each visitor is a real browser
of its own, which first looks at every example in peace, and then chooses one after the other at
random, sometimes before the answer is there, sometimes after. At every frame that it draws, a
browser holds what it shows at full contrast against what belongs to the example that is chosen.
Prints, and writes as JSON, choices, answers seen, and every result that was another's or stale;
exits with 1 if there is any. Needs playwright and a Chromium (CHROMIUM, /usr/bin/chromium).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.page.load import ROOT, serve, stop

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
READY = "#results:not(.busy) #notice .ready"

SEEN = """() => ["#notice", "#numbers"].map((id) => document.querySelector(id).innerText).join()"""

WATCH = """([known, seen]) => {
  window.race = { wrong: [], answers: 0 };
  const said = eval(seen);
  let before = "";
  const look = () => {
    const results = document.querySelector("#results");
    const notice = document.querySelector("#notice .notice");
    const chosen = document.querySelector("#example input:checked")?.value;
    const full = notice?.classList.contains("ready") && !results.classList.contains("pending");
    if (chosen && full) {
      if (said() !== known[chosen]) race.wrong.push([chosen, said()]);
      else if (before !== notice.dataset.turn) race.answers += 1;
      before = notice.dataset.turn;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def main() -> None:
    """Run the race and report it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/space_race.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        server, url = serve(Path(scratch))
        try:
            report = race(url, args.visitors, args.seconds, args.seed)
        finally:
            stop(server)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=1) + "\n")
    for key, value in report.items():
        print(f"{key:>10}  {len(value) if key == 'wrong' else value}")
    for chosen, said in report["wrong"][:5]:
        print(f"{'':>10}  {chosen} chosen, and in full contrast: {' '.join(said.split())[:120]}")
    sys.exit(1 if report["wrong"] else 0)


def race(url: str, visitors: int, seconds: float, seed: int) -> dict[str, Any]:
    """Let visitors choose at random for a while.

    Args:
        url: Of the page.
        visitors: How many.
        seconds: How long.
        seed: Of what they choose, and when.

    Returns:
        Visitors, seconds, choices, answers that were seen in full, and what was wrong.
    """
    from playwright.sync_api import sync_playwright

    dice = random.Random(seed)
    with sync_playwright() as playwright:
        # A browser each: two windows of one browser share its connections.
        browsers = [
            playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for _ in range(visitors)
        ]
        pages = [browser.new_page() for browser in browsers]
        for page in pages:
            page.set_default_timeout(120_000)
            page.goto(url)
            page.locator("#example input").first.wait_for()
        known = in_peace(pages[0])
        for page in pages:
            page.evaluate(WATCH, [known, SEEN])
        choices, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            page = dice.choice(pages)
            page.locator("#example input").nth(dice.randrange(len(known))).click()
            choices += 1
            page.wait_for_timeout(dice.choice([0, 30, 120, 400, 1500]))
        for page in pages:  # the last choice of each has its answer in the end
            page.locator(READY).wait_for()
            page.wait_for_timeout(500)
        seen = [page.evaluate("race") for page in pages]
        for browser in browsers:
            browser.close()
    return {
        "visitors": visitors,
        "seconds": seconds,
        "choices": choices,
        "answers": sum(each["answers"] for each in seen),
        "wrong": [each for one in seen for each in one["wrong"]],
    }


def in_peace(page: Any) -> dict[str, str]:
    """What the page says of each example, by its value, when nobody hurries."""
    known = {}
    inputs = page.locator("#example input")
    if inputs.count() < 2:
        raise SystemExit(
            "the page has no examples to race through: run `make demo`, or set HEPHAESTUS_DATASET"
        )
    for number in range(inputs.count()):
        before = page.evaluate("hephaestus.turn")
        inputs.nth(number).click()
        page.wait_for_function("before => hephaestus.turn > before", arg=before)
        page.locator(READY).wait_for()
        known[inputs.nth(number).input_value()] = page.evaluate(SEEN)
    if len(set(known.values())) < len(known):
        raise SystemExit("two examples have one answer: the race could not tell them apart")
    return known


if __name__ == "__main__":
    main()
