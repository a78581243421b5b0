"""Scripts that run where another library is installed: frozen generations in, its confidences out."""
