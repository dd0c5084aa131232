"""What the pages share: the API's client, words, sign-in, charts and cards."""
