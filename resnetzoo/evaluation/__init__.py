"""How good a network is: error and loss on a set of images, and how far two networks agree."""
