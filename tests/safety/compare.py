#!/usr/bin/env python3
"""Lantern's detector beside those that can be downloaded, on the same texts.

    python3 -m venv v && v/bin/pip install rrt-advocate==0.1.1 humane-proxy==0.6.0 \
        pantheon-guardrails==0.3.2 cogno-aegis==0.1.0
    cargo build --release && v/bin/python tests/safety/compare.py target/release/lantern [MORE.jsonl ...]

It reads the cases of this folder, which were written for Lantern and which Lantern was tuned to: for the others they
are unseen, so the table is fair to nobody and shows what kinds of words each was made for. MORE.jsonl has one object a
line, {"text": ..., "label": 0 or 1}, and is for texts that none of them has seen. "Recognised" is whatever a detector
says of a text other than that it is fine; of Lantern, concern or above.
"""

import json
import pathlib
import subprocess
import sys


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
    lines = "".join(json.dumps({"id": at, "text": text}) + "\n" for at, text in enumerate(texts))
    out = subprocess.run([program, "scan"], input=lines, capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["level"] in ("concern", "ideation", "imminent") for line in out.splitlines()]


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

    add("rrt-advocate 0.1.1", rrt)
    add("humane-proxy 0.6.0", humane)
    add("pantheon-guardrails 0.3.2", pantheon)
    add("cogno-aegis 0.1.0", cogno)
    return found


def share(answers, wanted, which):
    chosen = [answer for answer, want in zip(answers, wanted) if want is which]
    return f"{100 * sum(chosen) / len(chosen):5.1f} % of {len(chosen)}" if chosen else "-"


def main():
    program, more = sys.argv[1], sys.argv[2:]
    own = list(cases(pathlib.Path(__file__).parent))
    sets = {
        "own cases, English": [(text, want) for language, text, want in own if language == "en"],
        "own cases, 17 other languages": [(text, want) for language, text, want in own if language != "en"],
    }
    for path in more:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
        sets[path] = [(line["text"], bool(line["label"])) for line in map(json.loads, lines)]
    for name, pairs in sets.items():
        texts, wanted = [text for text, _ in pairs], [want for _, want in pairs]
        print(f"\n{name}\n{'':28}{'recognised':>18}{'false alarms':>20}")
        rows = {"lantern": lantern(program, texts)}
        rows |= {one: [detect(text) for text in texts] for one, detect in others().items()}
        for one, answers in rows.items():
            print(f"{one:28}{share(answers, wanted, True):>18}{share(answers, wanted, False):>20}")


if __name__ == "__main__":
    main()
