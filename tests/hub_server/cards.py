"""The checks that a Hub makes of a card's metadata, as far as our cards use its fields."""

import re

import yaml
from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import model_index_to_eval_results

TASKS = {
    *("image-classification", "image-segmentation", "image-feature-extraction", "mask-generation"),
    *("video-classification", "time-series-forecasting", "image-to-text", "other"),
}
LICENSES = {"mit", "apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "bsd-3-clause", "other"}
LIBRARIES = {"timm", "transformers", "segmentation-models-pytorch", "pytorch"}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
SIZES = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M"}


def validate_card(content, repo_type):
    """What is wrong with a README's metadata, one sentence each."""
    block = re.match(r"---\r?\n(.*?)\r?\n---", content, re.DOTALL)
    try:
        data = yaml.safe_load(block[1]) if block else {}
    except yaml.YAMLError as error:
        return [f"invalid YAML: {error}"]
    if not isinstance(data, dict):
        return ["the metadata must be a mapping"]
    return [
        *_common(data),
        *{"model": _model, "dataset": _dataset, "space": _space}[repo_type](data),
    ]


def _one_of(data, key, allowed):
    values = data.get(key, [])
    values = values if isinstance(values, list) else [values]
    return [f'"{key}" must be one of {sorted(allowed)}: {v}' for v in values if v not in allowed]


def _common(data):
    yield from _one_of(data, "license", LICENSES)
    for key in ("tags", "datasets", "metrics"):
        values = data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            yield f'"{key}" must be an array of strings'
    for name in data.get("datasets", []):
        if not re.fullmatch(r"([\w.-]+/)?[\w.-]+", name):
            yield f'"datasets" holds an invalid id: {name}'
    if any(len(tag) > 100 for tag in data.get("tags", [])):
        yield "a tag is too long"


def _model(data):
    yield from _one_of(data, "pipeline_tag", TASKS)
    yield from _one_of(data, "library_name", LIBRARIES)
    for entry in data.get("model-index", []):
        if not entry.get("name") or not entry.get("results"):
            yield '"model-index" needs a name and results'
        for result in entry.get("results", []):
            dataset = result.get("dataset", {})
            if not dataset.get("type") or not dataset.get("name"):
                yield '"model-index" results need dataset.type and dataset.name'
            if not re.fullmatch(r"([\w.-]+/)?[\w.-]+", dataset.get("type", "x")):
                yield f'"model-index" dataset.type is no dataset id: {dataset["type"]}'
            if result.get("task", {}).get("type") not in TASKS:
                yield '"model-index" results need a known task.type'
            if any("value" not in m or "type" not in m for m in result.get("metrics", [{}])):
                yield '"model-index" metrics need type and value'
    if "model-index" in data:
        _, results = model_index_to_eval_results(data["model-index"])
        if not all(isinstance(result, EvalResult) for result in results):
            yield '"model-index" cannot be read'


def _dataset(data):
    yield from _one_of(data, "task_categories", TASKS)
    yield from _one_of(data, "size_categories", SIZES)
    names = [config.get("config_name") for config in data.get("configs", [])]
    if None in names or len(names) != len(set(names)):
        yield '"configs" need distinct config_name'
    if sum(bool(config.get("default")) for config in data.get("configs", [])) > 1:
        yield '"configs" may have one default'
    for config in data.get("configs", []):
        if not config.get("data_files") and not config.get("data_dir"):
            yield f"config {config['config_name']} has no data_files"


def _space(data):
    if data.get("sdk") not in ("gradio", "docker", "static"):
        yield '"sdk" must be one of gradio, docker, static'
    yield from _one_of(data, "colorFrom", COLOURS)
    yield from _one_of(data, "colorTo", COLOURS)
    if len(data.get("short_description", "")) > 60:
        yield '"short_description" must be at most 60 characters'
    if not data.get("title"):
        yield '"title" is required'
    if re.search(r"[\w\s]", data.get("emoji", "🌋")):
        yield '"emoji" must be an emoji'
    if data.get("sdk") == "gradio" and "app_file" not in data:
        yield '"app_file" is required'
