"""Any timm, smp or transformers model behind one face."""
