"""Documents become chunks: sentences, sections, the splitter."""
