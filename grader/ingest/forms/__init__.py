"""The forms in which a class arrives: what each platform calls its files, its zip, and folders round them."""
