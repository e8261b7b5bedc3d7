#!/usr/bin/env python3
"""Lantern's detector beside those that can be downloaded, on the same texts.

    python3 -m venv v && v/bin/pip install rrt-advocate==0.1.1 humane-proxy==0.6.0 \
        pantheon-guardrails==0.3.2 cogno-aegis==0.1.0
    cargo build --release && v/bin/python tests/safety/compare.py target/release/lantern [MORE.jsonl ...]

It reads the cases of this folder, which were written for Lantern and which Lantern was tuned to: for the others they
are unseen, so the table is fair to nobody and shows what kinds of words each was made for. MORE.jsonl has one object a
line, {"text": ..., "label": 0 or 1}, and is for texts that none of them has seen. "Recognised" is whatever a detector
says of a text other than that it is fine; of Lantern, concern or above. `suicide-text-predictor` (0.2.4, needs
torch 2.0.1 and Python 3.11) is slow, so it is asked for every tenth text only.
"""

import contextlib
import functools
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


HERE = pathlib.Path(__file__).resolve().parent
SLOW = "suicide-text-predictor 0.2.4"


def cases(folder):
    """(language, text, whether somebody is at risk) of every case in <language>/<group>.txt."""
    for path in sorted(folder.glob("*/*.txt")):
        wanted = None
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("="):
                wanted = not line.startswith("= quiet")
            elif line.strip() and not line.startswith("#"):
                yield path.parent.name, line, wanted


def lantern(program, texts):
    """Answers, and seconds: those of a run with one line, the start of the program, are taken off."""

    def run(texts):
        lines = "".join(json.dumps({"id": at, "text": text}) + "\n" for at, text in enumerate(texts))
        began = time.perf_counter()
        out = subprocess.run([program, "scan"], input=lines, capture_output=True, text=True, check=True).stdout
        return out.splitlines(), time.perf_counter() - began

    start = min(run(["hello"])[1] for _ in range(3))
    lines, took = run(texts)
    answers = [json.loads(line)["level"] in ("concern", "ideation", "imminent") for line in lines]
    return answers, max(took - start, 1e-9), None


def ask(detect, texts):
    """Answers, seconds, and the worst time for one text."""
    answers, worst, began = [], 0.0, time.perf_counter()
    for text in texts:
        one = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            answers.append(bool(detect(text)))
        worst = max(worst, time.perf_counter() - one)
    return answers, time.perf_counter() - began, worst


def others():
    """Each detector as a function from a text to whether it says anything. What isn't installed is left out."""
    found = {}

    def add(name, make):
        try:
            found[name] = make()
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)

    def rrt():
        from rrt_advocate import CrisisEngine, CrisisLevel
        # A new person for each text: it remembers what the last one said.
        return lambda text: CrisisEngine("one").assess(text).crisis_level is not CrisisLevel.GREEN

    def humane():
        from humane_proxy import HumaneProxy
        proxy = HumaneProxy()
        numbers = iter(range(10**9))
        return lambda text: not proxy.check(text, session_id=str(next(numbers)))["safe"]

    def pantheon():
        from pantheon_guardrails.crisis import CrisisProtocol
        protocol = CrisisProtocol()
        return lambda text: protocol.check(text).triggered

    def cogno():
        from cogno_aegis import InputGuard
        from cogno_aegis.safety import DEFAULT_CRISIS_RULES
        guard = InputGuard(max_chars=10**6, crisis_rules=DEFAULT_CRISIS_RULES)
        return lambda text: not guard.check_text(text)

    def predictor():
        import torch
        # It reads its 77 MB anew for every text.
        torch.load = functools.cache(torch.load)
        from suicide_text_predictor import predict_tweet
        return lambda text: "NON-SUICIDE" not in predict_tweet(text)

    add("rrt-advocate 0.1.1", rrt)
    add("humane-proxy 0.6.0", humane)
    add("pantheon-guardrails 0.3.2", pantheon)
    add("cogno-aegis 0.1.0", cogno)
    add(SLOW, predictor)
    return found


def share(answers, wanted, which):
    chosen = [answer for answer, want in zip(answers, wanted) if want is which]
    return f"{100 * sum(chosen) / len(chosen):5.1f} % of {len(chosen)}" if chosen else "-"


def main():
    program, more = pathlib.Path(sys.argv[1]).resolve(), [pathlib.Path(path).resolve() for path in sys.argv[2:]]
    # One of them writes a database of what it met wherever it stands: not here, and not for longer than this run.
    with tempfile.TemporaryDirectory() as away:
        os.chdir(away)
        compare(program, more)


def compare(program, more):
    detectors = others()
    own = list(cases(HERE))
    sets = {
        "own cases, English": [(text, want) for language, text, want in own if language == "en"],
        "own cases, 17 other languages": [(text, want) for language, text, want in own if language != "en"],
    }
    for path in more:
        lines = path.read_text(encoding="utf-8").splitlines()
        sets[path.name] = [(line["text"], bool(line["label"])) for line in map(json.loads, lines)]
    for name, pairs in sets.items():
        texts, wanted = [text for text, _ in pairs], [want for _, want in pairs]
        print(f"\n{name}\n{'':30}{'recognised':>18}{'false alarms':>20}{'texts a second':>16}{'worst ms':>10}")

        def row(one, wanted, answers, took, worst):
            shares = f"{share(answers, wanted, True):>18}{share(answers, wanted, False):>20}"
            worst = "" if worst is None else f"{1e3 * worst:.1f}"
            print(f"{one:30}{shares}{len(answers) / took:16,.0f}{worst:>10}", flush=True)

        row("lantern", wanted, *lantern(program, texts))
        for one, detect in detectors.items():
            step = 10 if one == SLOW else 1
            row(one, wanted[::step], *ask(detect, texts[::step]))


if __name__ == "__main__":
    main()
