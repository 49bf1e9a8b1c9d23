"""What the pages of the site are made of: drawings of blocks, formulas, and the facts about other libraries."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from cases import ALL, ROOT

import resnetzoo

pytest.importorskip("sphinx")
block_drawings = pytest.importorskip("block_drawings")
command_line = pytest.importorskip("command_line")
generated = pytest.importorskip("generated")
libraries = pytest.importorskip("libraries")

live_page = pytest.importorskip("live_page")
onnxruntime_web = pytest.importorskip("onnxruntime_web")
packaged_measures = pytest.importorskip("packaged_measures")
sample_pictures = pytest.importorskip("sample_pictures")

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("one", block_drawings.CLOSE_UPS, ids=lambda one: one.title)
def test_a_block_is_drawn_with_the_layers_that_its_network_has(one: "block_drawings.CloseUp") -> None:
    block = resnetzoo.CifarNet(one.spec).get_submodule("layer1")[-1]
    convs = [module.kernel_size[0] for name, module in block.named_modules() if name.startswith("conv")]
    layers = block_drawings.layers_of(one.spec)
    assert [int(words[0]) for words in layers if "conv" in words] == convs
    assert layers.count("batch norm") == len(convs)
    assert (layers[0] == "batch norm") == one.spec.norm_first


@pytest.mark.parametrize("theme", block_drawings.INKS)
@pytest.mark.parametrize("one", block_drawings.CLOSE_UPS, ids=lambda one: one.title)
def test_a_drawing_is_in_the_ink_of_its_theme_and_has_a_circle_where_something_is_added(
    one: "block_drawings.CloseUp", theme: str
) -> None:
    picture = ElementTree.fromstring(block_drawings.draw(one, theme))
    assert {text.get("fill") for text in picture.iter(f"{SVG}text")} == {block_drawings.INKS[theme]}
    assert len(list(picture.iter(f"{SVG}circle"))) == one.spec.has_shortcuts
    assert one.title in picture.get("aria-label", "")


def test_each_network_is_in_the_table_of_one_page_of_the_zoo() -> None:
    pages = (ROOT / "docs" / "zoo").glob("*.md")
    patterns = [
        found for page in pages for found in re.findall(r"^```{zoo-table} (.+)$", page.read_text(), re.MULTILINE)
    ]
    shown = [name for words in patterns for name in generated.named_networks(*words.split())]
    assert sorted(shown) == sorted(ALL)


def test_a_pattern_that_names_no_network_stops_the_build() -> None:
    from sphinx.errors import ExtensionError

    with pytest.raises(ExtensionError, match='no network is called "resnet19"'):
        generated.named_networks("resnet20", "resnet19")


@pytest.mark.parametrize("one", libraries.read_libraries(), ids=lambda one: one.name)
def test_every_fact_about_a_library_has_its_source(one: "libraries.Library") -> None:
    assert one.cells.keys() == libraries.read_features().keys()
    for feature, cell in one.cells.items():
        page = ROOT / "docs" / f"{cell['source'].lstrip('/')}.md"
        assert cell["source"].startswith("https://") or page.is_file(), feature
        assert cell["value"]
    assert one.commit is None or re.fullmatch("[0-9a-f]{40}", one.commit)


def test_the_readme_says_of_each_library_what_the_page_says() -> None:
    rows = {one.name: one.cells for one in libraries.read_libraries()}
    readme = (ROOT / "README.md").read_text()
    said = re.findall(
        r"^\| (?:\[|\*\*)(\w+)\b[^|]*\|[^|]*\| (yes|no) \| ([ABC, ]+?) \| (yes|no) \|", readme, re.MULTILINE
    )
    assert {name for name, *_ in said} == rows.keys()
    for name, plain, shortcuts, install in said:
        assert (rows[name]["plain"]["value"] != "no") == (plain == "yes")
        assert rows[name]["shortcuts"]["value"] == shortcuts
        assert rows[name]["install"]["value"].split(";")[0] == install


@pytest.mark.parametrize("name", command_line.commands())
def test_the_page_of_the_command_line_has_every_option_as_it_is_typed(name: str) -> None:
    from docutils import nodes

    command = command_line.commands()[name]
    rows = list(command_line._section(name, command).findall(nodes.row))[1:]
    typed = [next(iter(row.findall(nodes.literal))).astext() for row in rows]
    options = [
        option for param in command.params for option in param.opts if option.startswith("--") and option != "--help"
    ]
    assert options
    for option in options:
        assert any(option in words.replace(",", " ").replace("/", " ").split() for words in typed), option


def test_there_is_a_drawing_of_each_class_and_the_live_page_takes_it_as_it_is() -> None:
    weights = resnetzoo.create("resnet20", weights=True).weights
    assert weights is not None
    assert tuple(sample_pictures.SCENES) == weights.classes
    drawn = [sample_pictures.draw_sample(name) for name in sample_pictures.SCENES]
    assert {(one.shape, str(one.dtype)) for one in drawn} == {((32, 32, 3), "uint8")}
    assert len({one.tobytes() for one in drawn}) == 10


def test_an_archive_of_the_runtime_that_is_not_the_pinned_one_is_refused_and_fetched_again(tmp_path: Path) -> None:
    from sphinx.errors import ExtensionError

    archive = tmp_path / "onnxruntime-web-1.30.0.tgz"
    archive.write_bytes(b"another")
    with pytest.raises(ExtensionError, match="should have integrity sha512-"):
        onnxruntime_web.fetch_runtime(tmp_path)
    assert not archive.exists()


def test_without_npm_the_build_says_how_to_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sphinx.errors import ExtensionError

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExtensionError, match="-D live_page=0"):
        onnxruntime_web.fetch_runtime(tmp_path)


def measures_of(name: str) -> dict[str, str]:
    return dict(zip(packaged_measures.HEADER, packaged_measures.measures_of(name), strict=True))


@pytest.mark.parametrize("row", [row for row in resnetzoo.list_weights() if row.packaged], ids=lambda row: row.name)
def test_the_measures_of_packaged_weights_agree_with_what_evaluation_prints(row: resnetzoo.Weights) -> None:
    cells = measures_of(row.name)
    assert cells["top-1 (%)"] == f"{row.test_error:.2f}"
    stored = resnetzoo.load_logits(row.name)
    probabilities = stored.logits.double().softmax(dim=1)
    five = probabilities.topk(5).indices == stored.labels[:, None]
    assert cells["top-5 (%)"] == f"{100 * (1 - five.any(dim=1).double().mean().item()):.2f}"
    own = probabilities.gather(1, stored.labels[:, None])
    assert cells["NLL"] == f"{-own.log().mean().item():.3f}"
    squares = (probabilities - torch.nn.functional.one_hot(stored.labels, 10)).square().sum(dim=1)
    assert cells["Brier"] == f"{squares.mean().item():.3f}"


def test_networks_trained_with_label_smoothing_are_less_confident_than_accurate() -> None:
    cells = {row.name: measures_of(row.name) for row in resnetzoo.list_weights() if row.packaged}
    smoothed = [name for name in cells if ".modern_" in name]
    assert smoothed
    assert all(float(cells[name]["temperature"]) < 1 for name in smoothed)
    assert all(float(cells[name]["ECE at it"]) < float(cells[name]["ECE"]) / 2 for name in smoothed)
    longer, shorter = cells["resnet56.modern_c10"], cells["resnet56.quick20_c10"]
    assert all(longer[measure] < shorter[measure] for measure in ("top-1 (%)", "Brier"))
    assert all(longer[measure] > shorter[measure] for measure in ("NLL", "ECE", "NLL at it"))
