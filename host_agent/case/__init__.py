"""All evidence of one domain, gathered; and the words for what was judged of it."""
