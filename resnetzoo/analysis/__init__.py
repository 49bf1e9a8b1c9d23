"""Measurements inside a network: responses, gradients, shortcuts, similarity, and the loss around its weights.

>>> import resnetzoo
>>> from resnetzoo import analysis
>>> data = resnetzoo.synthetic(train_images=8, test_images=8)
>>> analysis.response_std(resnetzoo.plainnet(8), data.test).names[:3]
('conv1', 'layer1.0.conv1', 'layer1.0.conv2')
"""

from resnetzoo.analysis.gradients import gradient_norms as gradient_norms
from resnetzoo.analysis.moments import LayerValues as LayerValues
from resnetzoo.analysis.plots import plot_cka as plot_cka
from resnetzoo.analysis.plots import plot_gradient_norms as plot_gradient_norms
from resnetzoo.analysis.plots import plot_loss_surface as plot_loss_surface
from resnetzoo.analysis.plots import plot_response_std as plot_response_std
from resnetzoo.analysis.plots import plot_shortcut_share as plot_shortcut_share
from resnetzoo.analysis.responses import response_std as response_std
from resnetzoo.analysis.shortcuts import shortcut_share as shortcut_share
from resnetzoo.analysis.similarity import Similarity as Similarity
from resnetzoo.analysis.similarity import cka as cka
from resnetzoo.analysis.surface import Surface as Surface
from resnetzoo.analysis.surface import loss_surface as loss_surface
