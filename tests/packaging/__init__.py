"""What is shipped: the image, the locks, the deployment files."""
