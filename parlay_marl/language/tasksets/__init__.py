"""Modules that verifiers finds by name as tasksets; they are installed as top-level modules, as it requires."""
