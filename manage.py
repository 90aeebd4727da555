#!/usr/bin/env python
"""Django's command line for the example project."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # What is wrong with the settings is for whoever set them: where it came up is not.
        sys.exit(f"ImproperlyConfigured: {' '.join(str(error).split())}")
