"""ONNX graphs: opened from their bytes, and run on one thread of the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from winnow.errors import BundleRefused, MissingExtra


def open_session(path: Path, feature: str) -> Any:
    """Open a graph; `BundleRefused`, naming the file, where it cannot be read.

    It is opened from its bytes: then it cannot name further files, whose hashes nobody has checked. `feature` is
    what needs ONNX, for the sentence of `MissingExtra`.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra(feature, "onnx") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they are raised besides
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except OSError as error:
        raise BundleRefused(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # its own kinds of error are no part of onnxruntime's interface
        raise BundleRefused(f"{path} cannot be read as an ONNX graph: {error}") from error
