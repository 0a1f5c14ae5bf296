"""The sample organisation and the local AWS emulator it runs on."""
