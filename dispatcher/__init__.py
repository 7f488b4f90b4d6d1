"""The dispatcher: forwards committed comments to only the nodes that hold a viewer of the video."""
