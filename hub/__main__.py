"""Publish to the Hub, and use what is published: python -m hub COMMAND --help."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dataset_script.annotations.splits import SPLITS
from dataset_script.errors import ConfigError, readable_errors


def _add_target(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where to")
    where.add_argument("--repo-id", metavar="NS/NAME", help="repository on the Hub")
    where.add_argument("--private", action="store_true", help="create it as private")
    where.add_argument("--revision", metavar="BRANCH", help="commit to this branch")
    where.add_argument("--tag", help="tag the result, v1.0 for instance")
    where.add_argument(
        "--dry-run", action="store_true", help="list every file, size and action; touch nothing"
    )
    where.add_argument(
        "--to-folder", type=Path, metavar="DIR", help="write the repository to DIR, send nothing"
    )


def _deliver(
    args: argparse.Namespace,
    kind: str,
    prepare: Callable[[Path], Path],
    owned: Sequence[str] = (),
    closing: Sequence[str] = ("README.md",),
) -> None:
    """Prepare a repository in a scratch folder, and bring it where the options say.

    `prepare` is given the scratch folder and returns the folder to publish; for `owned` see
    `plans.make_plan`, for `closing` `publishing.publish`.
    """
    from hub.repos.plans import Target, list_files, make_plan
    from hub.repos.publishing import copy_to_folder, publish

    if not args.repo_id and not args.to_folder:
        raise ConfigError("give a destination: --repo-id NS/NAME or --to-folder DIR")
    idle = {"--private": args.private, "--revision": args.revision, "--tag": args.tag}
    if args.to_folder and (unread := [option for option, given in idle.items() if given]):
        raise ConfigError(
            f"{' and '.join(unread)} would do nothing: a folder has no visibility, branch or tag; "
            "leave it out, or give --repo-id in place of --to-folder"
        )
    with tempfile.TemporaryDirectory(prefix="hephaestus-") as scratch:
        folder = prepare(Path(scratch))
        if args.to_folder:
            if args.dry_run:
                for path in list_files(folder):
                    name, size = path.relative_to(folder), path.stat().st_size
                    print(f"write  {size:>12} B  {args.to_folder / name}")
                return
            written = copy_to_folder(folder, args.to_folder)
            print(f"{args.to_folder}: {len(written)} files written")
            return
        target = Target(args.repo_id, kind, args.private, args.revision, args.tag)  # type: ignore[arg-type]
        if args.dry_run:
            print(make_plan(folder, target, owned).to_text())
            return
        print(publish(folder, target, owned, closing))


def _push_dataset(args: argparse.Namespace) -> None:
    from hub.repos.preparing import check_dataset

    check_dataset(args.folder)
    # the folder is published where it lies: a dataset is never copied
    shards = ("data/*", "*/sample-*.tar")  # ours, and those of the authors' layout
    _deliver(args, "dataset", lambda _: args.folder, shards, ("README.md", "metadata.json"))


def _push_model(args: argparse.Namespace) -> None:
    from hub.repos.cards import folder_name
    from hub.repos.packaging import package_run

    name = args.repo_id or (folder_name(args.to_folder) if args.to_folder else "")
    _deliver(
        args,
        "model",
        lambda scratch: package_run(
            args.run, scratch / "model", name, args.dataset, args.split, args.half, args.note
        ),
        ("model*.safetensors*", "*_config.json", "tokenizer.json"),
    )


def _push_results(args: argparse.Namespace) -> None:
    from hub.repos.preparing import prepare_results, prepare_results_row

    if args.to_folder and args.results_dataset:
        raise ConfigError("--results-dataset goes to the Hub, --to-folder does not: give one")
    _deliver(
        args,
        "model",
        lambda scratch: prepare_results(
            args.run,
            scratch,
            None if args.to_folder else args.repo_id,
            args.dataset,
            args.revision,
            args.split,
        ),
    )
    if args.results_dataset:
        row = argparse.Namespace(**{**vars(args), "repo_id": args.results_dataset})
        row.revision = row.tag = None
        _deliver(
            row,
            "dataset",
            lambda scratch: prepare_results_row(
                args.run,
                scratch,
                args.repo_id,
                args.results_dataset,
                args.dataset,
                args.revision,
                args.split,
            ),
        )


def _push_metric(args: argparse.Namespace) -> None:
    from hub.repos.preparing import prepare_metric

    namespace, _, name = (args.repo_id or "").rpartition("/")
    if args.repo_id and name != args.name:
        raise ConfigError(
            f"evaluate looks for {name}.py in {args.repo_id}, so the repository must be called "
            f"NAMESPACE/{args.name}"
        )
    _deliver(
        args,
        "space",
        lambda scratch: prepare_metric(args.name, scratch / args.name, namespace),
        ("*.py",),
    )


def _push_space(args: argparse.Namespace) -> None:
    from hub.repos.space import prepare_space, set_variable

    variables = {
        name: value
        for name, value in (
            ("HEPHAESTUS_MODEL", args.model),
            ("HEPHAESTUS_CLASSIFIER", args.classifier),
            ("HEPHAESTUS_DATASET", args.examples),
        )
        if value
    }
    if variables and args.to_folder:
        raise ConfigError("--model, --classifier and --examples are set on the Hub: give --repo-id")
    _deliver(args, "space", lambda scratch: prepare_space(scratch / "space"), ("*.py",))
    for name, value in variables.items():
        if not args.dry_run:
            set_variable(args.repo_id, name, value)
        print(f"variable   {name}={value}")


def _predict(args: argparse.Namespace) -> None:
    from hub.commands import reading_options
    from hub.inference.batch import predict_many
    from hub.repos.loading import split_model

    model, inputs = split_model(args.inputs)
    batch = predict_many(
        model,
        inputs,
        args.output,
        classifier=args.classifier,
        captions=args.captions,
        threshold=args.threshold,
        revision=args.revision,
        device=args.device,
        workers=args.workers,
        dask=args.dask,
        options=reading_options(args),
        each_pair=args.each_pair,
    )
    print(batch.to_text())
    batch.require_success()


def _export_model(args: argparse.Namespace) -> None:
    from hub.repos.exporting import TOLERANCE, export_model
    from hub.repos.loading import IN_THE_BOX, find_published

    model = find_published(args.model or IN_THE_BOX, args.revision)
    found = export_model(model, args.output, args.format)
    side = model.facts.image_size
    own = f"{side} x {side} pixels, as its architecture wants"
    sizes = "any size that its architecture takes" if found.any_size else own
    print(
        f"{found.file}: batches of any length, images of {sizes}; logits differ from the "
        f"original's by {found.difference:.1e} at most ({TOLERANCE:g} is allowed)"
    )


def _parser() -> argparse.ArgumentParser:
    from hub.commands import add_more_commands, add_prediction_options
    from hub.scenes.load import SPECIFICATIONS

    parser = argparse.ArgumentParser(
        prog="python -m hub",
        description="Publish datasets, models, results, metrics and the Space; predict with "
        "published models. The token comes from HF_TOKEN or from `hf auth login`.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], None], what: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(run_command=run)
        return command

    dataset = add("push-dataset", _push_dataset, "publish an exported dataset folder")
    dataset.add_argument("folder", type=Path, help="what `python -m dataset_script export` wrote")
    model = add("push-model", _push_model, "publish a run's best model with its card")
    model.add_argument("run", type=Path, help="a training run")
    model.add_argument("--note", default="", help="a sentence for the card, on how it was made")
    model.add_argument(
        "--half", action="store_true", help="weights in half precision: half the size"
    )
    results = add("push-results", _push_results, "publish a run's results beside its model")
    results.add_argument("run", type=Path, help="a training run that has been evaluated")
    results.add_argument(
        "--results-dataset", metavar="NS/NAME", help="also add a row to this dataset of results"
    )
    for command in (model, results):
        command.add_argument(
            "--dataset", default="", metavar="NS/NAME", help="the training data's name on the Hub"
        )
        command.add_argument(
            "--split", default="test", choices=SPLITS, help="whose results to publish (test)"
        )
    metric = add("push-metric", _push_metric, "publish one of our metrics as a Space")
    metric.add_argument("name", help="such as caption_quality: a folder of hub/metrics")
    space = add("push-space", _push_space, "publish the demo as a Space")
    for option, what in (
        ("--model", "segmentation model that it uses"),
        ("--classifier", "classifier that it uses"),
        ("--examples", "dataset that its examples come from"),
    ):
        space.add_argument(option, metavar="NS/NAME", help=what)
    for command in (dataset, model, results, metric, space):
        _add_target(command)
    predict = add("predict", _predict, "run a model on new scenes, and write maps and numbers")
    predict.formatter_class = argparse.RawDescriptionHelpFormatter
    predict.epilog = (
        "MODEL is a packaged model's folder or a repository NS/NAME; without one, the model that\n"
        "comes with the project answers.\n\n"
        f"an INPUT is one of\n{SPECIFICATIONS}\n"
        "  a folder, a pattern, DATASET::CONFIG/SPLIT or a minicube without dates stands for all\n"
        "  that is in it; pairs of one frame and primary date make the series of a model of\n"
        "  several dates, and a model of one date answers once for them, unless --each-pair. Run\n"
        "  again, the same command goes on where it stopped. docs/products.md says what is read\n"
        "  of each product, and what is refused."
    )
    predict.usage = "%(prog)s [options] --output DIR [MODEL] INPUT [INPUT ...]"
    predict.add_argument("inputs", metavar="[MODEL] INPUT", nargs="+", help="see below")
    predict.add_argument("--output", type=Path, required=True, metavar="DIR", help="where to")
    predict.add_argument(
        "--each-pair",
        action="store_true",
        help="an answer for each pair, not one for the pairs of a primary date",
    )
    add_prediction_options(predict)
    add_more_commands(add)
    export = add("export-model", _export_model, "write a packaged model as ONNX or torch.export")
    export.add_argument(
        "model",
        nargs="?",
        default="",
        metavar="MODEL",
        help="a packaged model's folder or a repository NS/NAME; the model that comes with the "
        "project if left out",
    )
    export.add_argument("--format", choices=("onnx", "torch"), default="onnx", help="onnx")
    export.add_argument("--output", type=Path, required=True, metavar="DIR", help="where to")
    export.add_argument("--revision", help="branch, tag or commit of the model's repository")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (None: the process's own); a mistake in it is one line and exit 1."""
    args = _parser().parse_args(arguments)
    with readable_errors():
        args.run_command(args)


if __name__ == "__main__":
    main()
