"""The networks of the zoo under timm's own functions: importing this registers each as `resnetzoo_NAME`.

>>> import timm
>>> import resnetzoo.interop.timm
>>> timm.create_model("resnetzoo_resnet56", num_classes=100).num_classes
100
"""

try:
    import timm as _timm  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError('resnetzoo.interop.timm needs timm: pip install "resnetzoo[timm]"') from error

from resnetzoo.interop.timm.network import TimmCifarNet as TimmCifarNet
from resnetzoo.interop.timm.registration import register_networks as register_networks

register_networks()
