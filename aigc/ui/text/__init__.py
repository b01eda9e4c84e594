"""Words only: articles and longer texts, Chinese beside English."""
