"""Charts that several tests look at."""

import pytest
from all_charts import every_chart


@pytest.fixture(scope="session")
def charts(tmp_path_factory):
    return every_chart(tmp_path_factory.mktemp("charts"))
