"""Games as HTML pages: the data of a page, and the scripts and styles that draw it."""
