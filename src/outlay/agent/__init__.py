"""What runs on a GPU host: reads its accelerators and who uses them, and sends that to the server."""
