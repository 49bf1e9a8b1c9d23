"""How a training step is carried out: eager, compiled, as a CUDA graph, or by several processes (DDP)."""
