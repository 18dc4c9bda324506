"""From evidence to a cited, checked answer: prompt, reader, citations."""
