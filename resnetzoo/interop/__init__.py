"""The networks in other libraries: one module for each, imported only on demand.

- `resnetzoo.interop.timm`: every network under timm's own functions.
- `resnetzoo.interop.huggingface`: folders and repositories of the Hugging Face Hub.

torchvision's `create_feature_extractor` needs none of this, and torch.hub reads `hubconf.py`.
"""
