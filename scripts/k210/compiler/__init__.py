# SPDX-License-Identifier: MIT
"""From an ONNX network to a kmodel: import, rewrite for the KPU, quantize, plan memory, write."""
