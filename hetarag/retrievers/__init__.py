"""The retrieval plane: route a question, fan it out, fuse what comes back."""
