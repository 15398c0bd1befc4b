"""`plan --html`: a file that holds all it shows, and lets nothing in it become markup or code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rig_monitoring import ROOT

from monitoring.plan_file import page
from monitoring.plan_file.bundle import bundled

SCRIPTS = ROOT / "monitoring/static/scripts"
PLAN: dict[str, Any] = {"told": "No. <b>1 %</b> & less.", "providers": [{"name": "</script><script>alert(1)//"}]}


def test_the_plan_is_in_the_file_as_it_was_and_ends_no_element() -> None:
    made = page(PLAN, about="<i>.yaml", made="made & done")
    data = re.findall(r'<script type="application/json" id="plan-data">(.*?)</script>', made, re.DOTALL)
    assert [json.loads(each) for each in data] == [PLAN]
    assert made.count("<script") == made.count("</script>") == 2
    assert "<b>" not in made
    assert "&lt;i&gt;.yaml" in made


def test_the_file_asks_nobody() -> None:
    made = page(PLAN).replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|\b(?:src|href)=", made)
    assert "default-src 'none'" in made
    assert "unsafe" not in made


def test_modules_become_one_script_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text('import { b as c } from "./two.js";\nexport const a = c;\n')
    (tmp_path / "two.js").write_text("const a = 1;\nexport function b() {\n  return a;\n}\n")
    made = bundled('import { b } from "./two.js";\nimport { a } from "./one.js";\nb(a);\n', tmp_path)
    assert re.findall(r"^const (of_\w+)", made, re.MULTILINE) == ["of_two", "of_one", "of_entry"]
    assert "const { b: c } = of_two;" in made
    assert not re.search(r"^(import|export)\b", made, re.MULTILINE)


@pytest.mark.parametrize("line", ['import * as all from "./two.js";', "export default 1;", 'const end = "</script>";'])
def test_a_module_written_in_another_way_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match="cannot be put into a file"):
        bundled(f"{line}\n", tmp_path)


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text('import { b } from "./two.js";\nexport const a = 1;\n')
    (tmp_path / "two.js").write_text('import { a } from "./one.js";\nexport const b = 1;\n')
    with pytest.raises(ValueError, match="import each other"):
        bundled('import { a } from "./one.js";\n', tmp_path)
