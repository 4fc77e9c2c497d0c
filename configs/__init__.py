"""The configurations that ship: experiments, inputs, models, sweeps, and accelerate's own."""
