"""The README's snippets run as they stand, in order, on the demo's folder."""

import re
import shlex

from tests.first_steps.conftest import package, run
from tests.places import ROOT

SNIPPETS = re.findall(r"```(python|bash)\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def test_the_four_snippets(project, monkeypatch, capsys):
    kinds = [kind for kind, _ in SNIPPETS[:4]]
    assert kinds == ["python", "python", "bash", "python"]
    load, stream, train, pull = (code for _, code in SNIPPETS[:4])

    monkeypatch.chdir(project)
    # In this process: pyarrow's reading threads can abort an interpreter that ends while they are
    # winding up, after all the work is done (the README's questions tell users).
    exec(compile(load, "README.md", "exec"), {})
    assert "(3, 32, 32) float32" in capsys.readouterr().out
    exec(compile(stream, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(re.match(r"\w+/\d{8}/[\d-]+ \w", line) for line in lines)
    run(shlex.split(train), project)
    package("runs/first", "classification")  # not where the demo has its own run
    exec(compile(pull, "README.md", "exec"), {})  # test_packaging does it without our code
    assert "(27, 32, 32)" in capsys.readouterr().out


def test_relative_links_lead_somewhere():
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
