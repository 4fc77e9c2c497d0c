"""A file input that takes files alone and leaves nothing of its own behind."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.utils import NamedString
from gradio_client.utils import is_http_url_like


def file_input(**options: Any) -> gr.File:
    """A `gr.File` for several files, without its two loopholes.

    A client may name an address in place of a file; Gradio would fetch it, however large it is,
    before the page sees it. And Gradio leaves an empty temporary file for each upload. (On the
    instance, for Gradio writes a stub file beside the module of every subclass.)

    Args:
        **options: Of `gr.File`.
    """
    files: Any = gr.File(file_count="multiple", **options)
    move = files.async_move_resource_to_block_cache

    async def move_unless_address(url_or_file_path: Any) -> str | None:
        if is_http_url_like(str(url_or_file_path)):
            raise gr.Error("Send the file itself, not an address.", print_exception=False)
        return await move(url_or_file_path)

    def name_of(file: FileData) -> NamedString:
        return NamedString(file.path)

    files.async_move_resource_to_block_cache = move_unless_address
    files._process_single_file = name_of
    return files
