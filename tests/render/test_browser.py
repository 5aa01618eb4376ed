"""Pages in a real browser: nothing live, no request, no console error, no accessibility violation in light
and dark.

Needs Chromium. The accessibility half needs axe-core besides, which comes with `axe-playwright-python` of the
`dev` extra.
"""

import json
import re
import shutil
import subprocess
from functools import cache
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest

from grader.backprop.expression import sym
from grader.core.outcome import Verdict
from grader.render import class_page, student_page
from grader.render.class_rows import ClassRow
from grader.render.feedback import feedback_page
from grader.render.files import notebook_page
from grader.render.pictures.cells import Cell, cell_grid
from grader.render.pictures.curves import accuracy_curve, loss_curves
from grader.render.pictures.digits import wrong_digits
from grader.render.pictures.formulas import FormulaLine, chunks, formulas
from grader.render.pictures.network import network_graph
from grader.render.student_parts import Agreement, Claim
from tests.render.samples import HOSTILE, bare, everyone, hostile, mixed
from tests.render.test_annotated_files import EVERY_KIND, graded, made_of
from tests.render.test_feedback_page import FEEDBACK
from tests.render.test_notebook_page import EVERYTHING
from tests.render.test_pictures import LAYERS, LOSSES, RUNS, WRONG, faces
from tests.render.test_safety import HEAD, SIMILAR

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None
)
# Found, not imported: it would load Playwright, and Chromium alone will do.
AXE_PACKAGE = find_spec("axe_playwright_python")
AXE = Path(AXE_PACKAGE.origin).with_name("axe.min.js") if AXE_PACKAGE and AXE_PACKAGE.origin else None
HOSTILE_NOTEBOOK = ROOT / "submissions" / "hostile" / "mnist.ipynb"
PAYLOADS = {"hostile notebook": "log script ran"}
SCHEMES = {"dark": 0, "light": 1}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]


@cache
def pages() -> dict[str, str]:
    """Every kind of page, with every kind of content."""
    tree = sym("w5")
    pictures = (
        formulas(
            [FormulaLine(place=HOSTILE, written=HOSTILE, sides=(chunks(tree), chunks(tree)), standing="typo")]
        ),
        loss_curves(LOSSES, sheet=HOSTILE),
        accuracy_curve(RUNS, threshold=99.4),
        network_graph(LAYERS, input_shape=(1, 28, 28), total=25_290, budget=20_000, dead=(HOSTILE,)),
        cell_grid((Cell(ref="B2", shown=HOSTILE, guilty=True, note=HOSTILE),), sheet=HOSTILE),
        wrong_digits(WRONG, faces(), allowed=60),
    )
    drawn = [picture for picture in pictures if picture is not None]
    claim = Claim(what=HOSTILE, readme=HOSTILE, code=HOSTILE, log=HOSTILE, ours=HOSTILE, agrees=Agreement.NO)
    guides = {"BP101": "A check.\n\n## What it checks\n\nThat `∂E/∂w` is right.", "RD701": HOSTILE}
    rows = [
        *(ClassRow.of(sample, seconds={"execute": 1.5}) for sample in everyone()),
        *(
            ClassRow(slug=f"s{n}", id=f"s{n}", verdict="unknown", waiting=ClassRow.of(mixed()).waiting)
            for n in range(12)
        ),
        ClassRow.ungraded("bad", HOSTILE, HOSTILE, Verdict.ERROR),
    ]
    return {
        "bare": student_page.render(bare()),
        "mixed": student_page.render(mixed(), drawn, claims=(claim,), guides=guides),
        "hostile": student_page.render(hostile(), drawn, claims=(claim,), guides=guides),
        "class": class_page.render(rows, HOSTILE, head=HEAD, similar=(SIMILAR,), note=HOSTILE),
        "every output": notebook_page.render(notebook_page.view(EVERYTHING, HOSTILE), submission=HOSTILE),
        "hostile notebook": notebook_page.render(
            notebook_page.view(HOSTILE_NOTEBOOK.read_bytes(), "mnist.ipynb"), submission="hostile"
        ),
        "feedback": feedback_page.page(FEEDBACK, HOSTILE),
        **{name.removesuffix(".html"): page for name, page in made_of(EVERY_KIND, Verdict.FAIL).items()},
    }


def browse(folder: Path, html: str, *flags: str) -> tuple[str, str]:
    """Open a page from disk; return the DOM afterwards and the browser's log."""
    page = folder / "page.html"
    page.write_text(html, encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=15000", *flags, "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    dom = done.stdout.decode("utf-8", "replace")
    assert "</html>" in dom, done.stderr.decode("utf-8", "replace")[-2_000:]
    return dom, done.stderr.decode("utf-8", "replace")


KINDS = ("hostile", "class", "every output", "hostile notebook", "feedback", "readme", "notebook", "workbook")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_student_is_live(kind: str, tmp_path: Path) -> None:
    log_file = tmp_path / "net.json"
    dom, log = browse(tmp_path, pages()[kind], f"--log-net-log={log_file}")
    assert "CONSOLE" not in log
    body = dom.partition("<body")[2]
    assert body.count("<script") == (
        0 if kind in ("hostile", "every output", "hostile notebook", "feedback") else 1
    )
    assert body.count("<img ") == body.count('<img class="raster" src="data:image/png;base64,')
    for tag in ("iframe", "object", "embed", "form", "style", "link", "base"):
        assert not re.search(rf"<{tag}[ >]", body), tag
    assert not re.search(r"<[a-z]+[^<>]* on[a-z]+=", re.sub(r'"[^"]*"', '""', body))
    assert PAYLOADS.get(kind, "evil.example") in body, "the payload is on the page, as text"
    assert not re.search("<title>[^<]* ran</title>", dom), (
        "and none of the sample's payloads renamed the page"
    )
    if kind == "class":
        assert dom.count('<button type="button">') == 6 + len(
            {m.criterion for r in everyone() for m in r.outcomes}
        ), "the script put a button into each header"
        assert re.search(r'<span id="shown" role="status">(\d+) / \1</span>', dom)
        assert '<div class="tools" id="tools">' in dom
    assert "evil.example" not in log_file.read_text("utf-8", "replace"), "and no request was made for it"


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed: pip install axe-playwright-python")
@pytest.mark.parametrize(
    ("scheme", "kinds"),
    [
        (
            "light",
            ("mixed", "class", "bare", "every output", "hostile notebook", "feedback", "readme", "workbook"),
        ),
        ("dark", ("mixed", "class", "hostile", "notebook", "feedback", "readme", "workbook")),
    ],
)
def test_no_accessibility_violation(scheme: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    """Each page in a frame of its own, so that Chromium starts once."""
    runner = """
      for (const fold of document.querySelectorAll("details")) fold.open = true;
      axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(function (found) {
        parent.postMessage(JSON.stringify({
          kind: "KIND",
          dark: matchMedia("(prefers-color-scheme: dark)").matches,
          checked: found.passes.length,
          violations: found.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 200)).slice(0, 3).join(" | ")),
        }), "*");
      });
    """
    assert AXE is not None
    axe = AXE.read_text("utf-8")
    frames = []
    for number, kind in enumerate(kinds):
        html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pages()[kind])
        script = f"<script>{axe}</script>\n<script>{runner.replace('KIND', kind)}</script></body>"
        (tmp_path / f"{number}.html").write_text(html.replace("</body>", script), "utf-8")
        frames.append(f'<iframe src="{number}.html" width="800" height="600" style="border: 0"></iframe>')
    host = f"""<!DOCTYPE html><html><body><script>
      addEventListener("message", event => {{
        const answer = document.createElement("pre");
        answer.className = "answer";
        answer.textContent = event.data;
        document.body.append(answer);
      }});
    </script>{"".join(frames)}</body></html>"""
    dom, log = browse(tmp_path, host, f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}")
    answers = [
        json.loads(unescape(x)) for x in re.findall(r'<pre class="answer">(.*?)</pre>', dom, re.DOTALL)
    ]
    assert sorted(found["kind"] for found in answers) == sorted(kinds), log[-2_000:]
    for found in answers:
        assert found["dark"] is (scheme == "dark")
        assert found["checked"] > 20, found["kind"]
        assert found["violations"] == [], found["kind"]


def test_pictures_fit_a_phone_and_can_be_read(tmp_path: Path) -> None:
    """At 390 pixels every picture had to be pushed sideways to see its end."""
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pages()["mixed"])
    measure = """
      const pictures = [...document.querySelectorAll(".drawing > svg")];
      parent.postMessage(JSON.stringify({
        page: [innerWidth, document.documentElement.scrollWidth],
        sideways: pictures.map(svg => svg.parentElement.scrollWidth - svg.parentElement.clientWidth),
        letters: pictures.filter(svg => svg.hasAttribute("viewBox")).map(svg => 12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width),
      }), "*");
    """
    (tmp_path / "phone.html").write_text(
        html.replace("</body>", f"<script>{measure}</script></body>"), "utf-8"
    )
    # A window of Chromium is never narrower than 500 pixels; a frame in it is.
    frame = """<!DOCTYPE html><html><body><pre id="answer"></pre><script>
      addEventListener("message", event => { document.getElementById("answer").textContent = event.data; });
    </script><iframe src="phone.html" width="390" height="800" style="border: 0"></iframe></body></html>"""
    dom, log = browse(tmp_path, frame)
    answer = re.search(r'<pre id="answer">(.+?)</pre>', dom)
    assert answer, log[-2_000:]
    found = json.loads(unescape(answer[1]))
    assert found["page"][1] <= found["page"][0] == 390
    assert found["sideways"] == [0, 0, 0, 0, 0]
    assert min(found["letters"]) > 10, "pixels"


def test_pages_of_files_fit_a_phone_and_a_sheet_has_its_rows(tmp_path: Path) -> None:
    """A rule of another picture took the table out of the flow, and only its first row could be seen; hidden
    words of its cells made the page twice as wide as a phone.
    """
    kinds = ("readme", "notebook", "workbook")
    measure = """
      const sheet = document.querySelector(".cellgrid");
      parent.postMessage(JSON.stringify({
        kind: "KIND",
        beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        rows: sheet ? sheet.rows.length : 0,
        seen: sheet ? sheet.parentElement.clientHeight / sheet.offsetHeight : 1,
      }), "*");
    """
    frames = []
    for kind in kinds:
        html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pages()[kind])
        script = f"<script>{measure.replace('KIND', kind)}</script></body>"
        (tmp_path / f"{kind}.html").write_text(html.replace("</body>", script), "utf-8")
        frames.append(f'<iframe src="{kind}.html" width="390" height="800" style="border: 0"></iframe>')
    host = f"""<!DOCTYPE html><html><body><script>
      addEventListener("message", event => {{
        const answer = document.createElement("pre");
        answer.className = "answer";
        answer.textContent = event.data;
        document.body.append(answer);
      }});
    </script>{"".join(frames)}</body></html>"""
    dom, log = browse(tmp_path, host)
    answers = re.findall(r'<pre class="answer">(.*?)</pre>', dom, re.DOTALL)
    found = {one["kind"]: one for one in map(json.loads, map(unescape, answers))}
    assert set(found) == set(kinds), log[-2_000:]
    assert {one["beyond"] for one in found.values()} == {0}, "pixels"
    assert found["workbook"]["rows"] > 4
    assert found["workbook"]["seen"] >= 1


def test_keys_lead_from_finding_to_finding_and_can_be_turned_off(tmp_path: Path) -> None:
    """In the page's own policy: its hash lets this one script run."""
    html = pages()["readme"]
    chain = re.findall(r'<div class="note [^>]*id="([^"]+)"', html)
    assert len(chain) > 1
    press = """
      const view = document.querySelector("iframe").contentWindow, seen = [];
      const press = key => {
        view.document.dispatchEvent(new view.KeyboardEvent("keydown", {key, bubbles: true}));
        seen.push(view.location.hash.slice(1));
      };
      press("n"); press("n"); press("p"); press("x");
      view.document.querySelector("#keys button").click();
      press("n");
      document.getElementById("answer").textContent = JSON.stringify(seen);
    """
    (tmp_path / "view.html").write_text(html, "utf-8")
    frame = (
        '<!DOCTYPE html><html><body><pre id="answer"></pre><iframe src="view.html"></iframe>'
        f'<script>document.querySelector("iframe").addEventListener("load", () => {{{press}}}, {{once: true}});'
        "</script></body></html>"
    )
    dom, log = browse(tmp_path, frame, "--allow-file-access-from-files")
    answer = re.search(r'<pre id="answer">(.+?)</pre>', dom)
    assert answer, log[-2_000:]
    first, second = chain[:2]
    assert json.loads(unescape(answer[1])) == [first, second, first, first, first]


def test_verdict_and_faults_are_one_printed_page(tmp_path: Path) -> None:
    """The sample with eight wrong places and six remarks took three sheets of paper."""
    _, made, _ = graded("wrong-gradient")
    (tmp_path / "page.html").write_text(student_page.render(made), "utf-8")
    paper = tmp_path / "page.pdf"
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={paper}",
        (tmp_path / "page.html").as_uri(),
    ]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper.read_bytes())) == 1
