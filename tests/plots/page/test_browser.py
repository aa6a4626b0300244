"""The page in a real browser: nothing on its console, no request, nothing wider than a phone."""

import json
import re
import shutil
import subprocess

import pytest

from jaxcluster.plots import page
from tests.plots.page.examples import contents
from tests.plots.page.test_page import full

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = 390  # pixels

pytestmark = [pytest.mark.long, pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome")]

# The page runs no script. Its width is asked for by a page around it, which shows it in a frame as wide as a phone.
AROUND = """<!DOCTYPE html><body style="margin:0"><iframe id="frame" style="width:{width}px;height:800px;border:0">
</iframe><p id="answer"></p><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const pictures = [...page.images].filter(i => !(i.complete && i.naturalWidth)).length;
  const wide = [...page.querySelectorAll("body *")].filter(e =>
    !e.closest(".wide") && !e.closest("svg") && e.getBoundingClientRect().right > {width}).length;
  document.getElementById("answer").textContent = JSON.stringify(
    {{scroll: root.scrollWidth, images: page.images.length, broken: pictures, wide: wide}});
}};
frame.srcdoc = {text};
</script>"""


def browse(address: str, folder, *options: str) -> subprocess.CompletedProcess:
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--enable-logging=stderr", "--v=0", *options, address,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(params=["images", "vectors", "hostile"])
def text(request):
    hostile = {"title": "x" * 400, "names": ['"><script>alert(1)</script>' + "y" * 300] * 60}
    return page.render(
        {
            "images": full(),
            "vectors": contents(shape=(5,), feature_names=["a_rather_long_name_of_a_column_" * 3] * 5),
            "hostile": full(**hostile),
        }[request.param]
    )


def test_console_is_empty_and_the_picture_is_drawn(text, tmp_path):
    (tmp_path / "page.html").write_text(text, "utf-8")
    done = browse((tmp_path / "page.html").as_uri(), tmp_path, f"--screenshot={tmp_path / 'page.png'}")
    assert "CONSOLE" not in done.stderr
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_a_broken_page_is_noticed(tmp_path):
    broken = page.render(full()).replace("<main>", "<main><script>1</script><img src='http://127.0.0.1:9/x.png'>")
    (tmp_path / "page.html").write_text(broken, "utf-8")
    done = browse((tmp_path / "page.html").as_uri(), tmp_path, "--dump-dom")
    assert len(re.findall("CONSOLE.*Content Security Policy", done.stderr)) == 2


def test_nothing_is_wider_than_a_phone_and_every_image_is_drawn(text, tmp_path):
    around = AROUND.format(width=PHONE, text=json.dumps(text).replace("</", "<\\/"))
    (tmp_path / "around.html").write_text(around, "utf-8")
    done = browse(
        (tmp_path / "around.html").as_uri(), tmp_path, "--dump-dom", "--virtual-time-budget=5000",
        "--window-size=800,900",
    )  # fmt: skip
    answer = json.loads(re.search(r'<p id="answer">(\{.*?\})</p>', done.stdout)[1])
    assert answer["scroll"] <= PHONE
    assert answer["wide"] == 0
    assert answer["broken"] == 0
    assert answer["images"] == text.count("<img ")
