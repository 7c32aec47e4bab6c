"""Understanding text: pure engines that contain no words of any language."""
