"""The file that Streamlit runs, again for each look and each press."""

from __future__ import annotations

from winnow.ui.main import main

if __name__ == "__main__":
    main()
