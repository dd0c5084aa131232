"""The studio: art, characters and answers made of a film's plot and reviews, by a model provider or offline."""
