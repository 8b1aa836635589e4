"""How fast and how well icons are rendered: ours against lucent, see `benchmarks.render.__main__`."""
