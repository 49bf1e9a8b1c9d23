"""`data`, `train` and `eval`: images in, a trained network out, and how well it does."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import resnetzoo
from resnetzoo.cli.measures import error_facts, measure, print_measured, save_plot
from resnetzoo.cli.options import (
    NAMED_DATASETS,
    TEST_SET_WORDS,
    AsJson,
    DataDir,
    DatasetName,
    DatasetOrTestSet,
    Device,
    FamilyWord,
    ImageSize,
    KeyWord,
    MaxTrainImages,
    ModelWord,
    Precision,
    Record,
    ShortcutWord,
    ValSplit,
    check_dataset_or_test_set,
    check_image_size,
    chosen_data,
    path_option,
    print_data,
)
from resnetzoo.cli.robustness import (
    CLEAN,
    CORRUPTED,
    NEW,
    TEST_SETS,
    measure_new,
    print_corruptions,
    print_test_set,
)
from resnetzoo.cli.typed_options import in_typed_words


def data_command(
    dataset: DatasetOrTestSet = "cifar10",
    data_dir: DataDir = None,
    image_size: ImageSize = None,
    download: Annotated[bool, typer.Option("--download", help="Download it if it is not found.")] = False,
) -> None:
    """Find, download and check a dataset. Example: resnetzoo data --dataset cifar10 --data-dir data --download."""
    check_dataset_or_test_set(dataset, TEST_SETS)
    check_image_size(dataset, image_size)
    if dataset in TEST_SETS:
        print_test_set(dataset, data_dir, download)
        return
    if download and dataset in ("synthetic", "folder"):
        raise resnetzoo.UsageError(f"--download is for published datasets, and {dataset} is none: leave it out")
    if image_size is None and dataset == "cifar10":
        found = resnetzoo.cifar10(data_dir, download=download)
    elif image_size is None and dataset in ("cifar100", "cifar100-coarse"):
        labels = "coarse" if dataset.endswith("coarse") else "fine"
        found = resnetzoo.cifar100(data_dir, download=download, labels=labels)
    else:
        found = chosen_data(dataset, data_dir, None, False, image_size)
    print_data(found)
    print(f"classes      {len(found.classes)}: {', '.join(found.classes[:10])}{', ...' * (len(found.classes) > 10)}")


def train_command(
    name: str,
    recipe: Annotated[str, typer.Option(help=f"{', '.join(resnetzoo.recipes.RECIPES)}.")] = "QUICK20",
    epochs: Annotated[int | None, typer.Option(help="Another number of epochs.", show_default="the recipe's")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per step.", show_default="the recipe's")] = None,
    lr: Annotated[float | None, typer.Option(help="Another peak learning rate.", show_default="the recipe's")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Another weight decay.", show_default="the recipe's")
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Another label smoothing.", show_default="the recipe's")
    ] = None,
    crop_padding_mode: Annotated[
        Literal["zeros", "reflect"] | None,
        typer.Option(help="What fills the border of crops.", show_default="the recipe's"),
    ] = None,
    cutout: Annotated[
        int | None, typer.Option(help="Side of the hole cut into each image, such as 16.", show_default="the recipe's")
    ] = None,
    mixup: Annotated[
        float | None, typer.Option(help="Mix images by Beta(MIXUP, MIXUP).", show_default="the recipe's")
    ] = None,
    decay_norms_and_biases: Annotated[
        bool | None,
        typer.Option(
            "--decay-norms-and-biases/--no-decay-norms-and-biases",
            help="Apply weight decay to norms and biases too, or not.",
            show_default="the recipe's",
        ),
    ] = None,
    ema_decay: Annotated[
        float | None,
        typer.Option(help="Decay of a moving average of the weights, such as 0.999.", show_default="the recipe's"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, image order and augmentation.", min=0)] = 0,
    shortcut: ShortcutWord = None,
    dataset: DatasetName = "auto",
    data_dir: DataDir = None,
    image_size: ImageSize = None,
    max_train_images: MaxTrainImages = None,
    val_split: ValSplit = False,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Annotated[  # noqa: A002 (the option's own word)
        bool | None,
        typer.Option(
            "--compile/--no-compile", help="Compile the training step or not.", show_default="if the run is long"
        ),
    ] = None,
    record: Record = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Also save a checkpoint every N steps.", show_default="no", min=1)
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; an old run is moved aside.")] = False,
    extend_to: Annotated[
        int | None,
        typer.Option(
            help="Total number of epochs to which a finished run is extended; repeat its other options. A one-cycle "
            "recipe starts another cycle over the added epochs, a step-decay recipe stays at its last rate.",
            show_default="no",
            min=1,
        ),
    ] = None,
    out: Annotated[Path | None, path_option("Folder of the run.", "runs/NAME-RECIPE-seedN")] = None,
) -> None:
    """Train a network, or resume its run. Example: resnetzoo train resnet20 --recipe SMOKE --dataset synthetic."""
    chosen = resnetzoo.recipes.get_recipe(recipe)
    chosen = chosen if batch_size is None else chosen.with_batch_size(batch_size)
    chosen = chosen if epochs is None else chosen.with_epochs(epochs)
    chosen = chosen.with_settings(
        lr=lr,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        crop_padding_mode=crop_padding_mode,
        cutout=cutout,
        mixup=mixup,
        decay_norms_and_biases=decay_norms_and_biases,
        ema_decay=ema_decay,
    )
    if extend_to is not None and chosen.epochs is not None:
        chosen.extended_to(extend_to)
    spec = resnetzoo.get_spec(name)  # a wrong name, shortcut or device is reported before any data is fetched
    if shortcut is not None:
        replace(spec, shortcut=shortcut)  # type: ignore[arg-type]
    resnetzoo.resolve_device(device)
    found = chosen_data(dataset, data_dir, max_train_images, val_split, image_size)
    model = resnetzoo.create(
        name,
        num_classes=len(found.classes),
        in_chans=found.train.images.shape[1],
        shortcut=shortcut,  # type: ignore[arg-type]
        seed=seed,
    )
    folder = out or Path("runs") / resnetzoo.folder_name(name, shortcut, chosen, seed)
    print_data(found)
    run = resnetzoo.fit(
        model,
        found,
        chosen,
        seed=seed,
        device=device,
        precision=precision,
        compile=compile,
        record=record,
        out=folder,
        checkpoint_every=checkpoint_every,
        fresh=fresh,
        extend_to=extend_to,
    )
    last = run.epochs[-1]
    after = "1 epoch" if last.epoch == 1 else f"{last.epoch} epochs"
    print(f"test error {last.test_error:.2f} % (n={len(found.test):,}) after {after}; kept in {folder}")


def eval_command(
    model: ModelWord,
    dataset: Annotated[
        str | None,
        typer.Option(
            help=f"The dataset, as in train; or {TEST_SET_WORDS}.",
            show_default="the one that its file names or whose classes it has, else the one with as many",
        ),
    ] = None,
    family: FamilyWord = None,
    key: KeyWord = None,
    data_dir: DataDir = None,
    all_images: Annotated[
        bool, typer.Option("--all-images", help="For --dataset folder: measure on all images, with none held out.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    plot: Annotated[
        Path | None,
        path_option("Draw calibration and confusions into this PNG, SVG or PDF file.", "no picture"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a trained network on a test set. Example: resnetzoo eval resnet20."""
    if plot is not None:
        plot = resnetzoo.metrics.check_figure_name(plot)
    network = resnetzoo.load_model(model, family=family, key=key).to(resnetzoo.resolve_device(device))  # type: ignore[arg-type]
    training = network.origin.training if network.origin else {}
    chosen = dataset or _trained_on(training, network)
    check_dataset_or_test_set(chosen, TEST_SETS)
    if all_images and chosen != "folder":
        raise resnetzoo.UsageError(f"--all-images is only for --dataset folder; {chosen} has its own test set")
    source = {"network": network.spec.label, "origin": _in_options(network.origin), **training}
    if plot is not None and chosen in CORRUPTED:
        raise resnetzoo.UsageError(
            f"--plot draws a single test set, and {chosen} has one for each corruption and severity: leave --plot out"
        )
    if chosen in TEST_SETS:
        _say_other_data(training, CLEAN[chosen], chosen)
    if chosen in CORRUPTED:
        print_corruptions(network, source, chosen, data_dir, precision, as_json=as_json)
        return
    if chosen in NEW:
        measured, facts = measure_new(network, chosen, data_dir, precision)
    else:
        measured, facts = _measure_usual(network, training, chosen, data_dir, precision, all_images=all_images)
    print_measured(measured, {**source, **facts}, network.classes, as_json=as_json)
    if plot is not None:
        title = f"{network.spec.label} on {facts['measured_on']}, error {measured.error:.2f} %"
        save_plot(plot, measured, network.classes, title)


def _in_options(origin: "resnetzoo.Origin | None") -> str:
    """What is known of a file, with the option that selects another of its networks."""
    return in_typed_words(f"{origin}", {"key": ("--key", "")})


def _measure_usual(
    network: "resnetzoo.CifarNet",
    training: dict[str, object],
    chosen: str,
    data_dir: Path | None,
    precision: str,
    *,
    all_images: bool,
) -> tuple["resnetzoo.Evaluation", dict[str, Any]]:
    """The measures on the test set of a dataset that also has a training set, and what is said of it."""
    size = network.normalization.size if chosen == "folder" and network.normalization else None  # as in training
    found = _all_of(data_dir, network.classes, size) if all_images else resnetzoo.load_data(chosen, data_dir, size=size)
    _say_other_data(training, found.name, found.title)
    if not all_images:
        _say_other_images(training, found)
    grey = found.test.images.shape[1] == 1
    test = found.test.with_channels(network.in_chans) if grey else found.test  # as predict reads grey images
    measured = measure(network, test, precision)
    return measured, {
        "measured_on": found.title,
        "fingerprint": found.fingerprint,
        "fingerprint_v1": found.fingerprint_v1,
        **error_facts(measured),
    }


def _all_of(folder: Path | None, classes: tuple[str, ...] | None, size: int | None) -> "resnetzoo.Data":
    """A folder of images by class, all of which are test images."""
    images = resnetzoo.ImageSet.from_folder(folder, classes=classes, size=size)
    source = str(folder) if folder else "the folder that $RESNETZOO_DATA names"
    return resnetzoo.Data("folder", images, images, official=False, source=source, part="all images of it")


def _say_other_data(training: dict[str, object], name: str, title: str) -> None:
    """Warn if a checkpoint names another dataset than the one on which it is measured."""
    named = training.get("trained_on")
    if named not in (None, name):
        warnings.warn(f"the network was trained on {named} but is measured on {title}", stacklevel=2)


def _say_other_images(training: dict[str, object], found: "resnetzoo.Data") -> None:
    """Warn if a training set is measured of which a part was held out in another way, or of other images, than now.

    Only a folder without a test set is such a one: of what is loaded, nothing else has a part.
    """
    stored, part = training.get("train_fingerprint"), training.get("train_part")  # files of earlier versions lack it
    if not found.part or None in (stored, part) or training.get("trained_on") != found.name:
        return
    trained = found.recut(str(part))
    if trained is not None and trained.has_fingerprint(str(stored)):
        return
    warnings.warn(
        f"the network may have been trained on some of the {len(found.test):,} images that it is measured on: they are "
        "held out of a folder of which, in training, other images were held out. Measure on images that it has not "
        "seen: --all-images with a folder of their own",
        stacklevel=2,
    )


def _trained_on(training: dict[str, object], network: "resnetzoo.CifarNet") -> str:
    """The dataset that a checkpoint names, or whose classes the network has in any order, or else has as many of."""
    named, own = training.get("trained_on"), network.classes or ()
    if named is None:
        sets = (name for name in NAMED_DATASETS if sorted(resnetzoo.classes_of(name)) == sorted(own))
        named = next(sets, {10: "cifar10", 100: "cifar100"}.get(network.num_classes or 0))
    if named is None:
        raise resnetzoo.UsageError(
            f"the checkpoint does not say on which dataset its {network.num_classes} classes were trained; pass "
            "--dataset"
        )
    return str(named)
