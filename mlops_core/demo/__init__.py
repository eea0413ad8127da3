"""The demo on real data: a model that warns of late flights from New York, 2013."""
