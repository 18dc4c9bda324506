"""A store of spelling variants and a loader of subtitles for hetarag."""
