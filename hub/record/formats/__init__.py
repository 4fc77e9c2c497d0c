"""A scene for other programs: Google Earth, QGIS, pages of thumbnails."""
