"""Every page of the book in Chromium: over http, under a sub-path, opened as a file; in light and in dark."""

import pytest
from conftest import axe, shown_pages

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("place", ["root", "sub-path", "file"])
@pytest.mark.parametrize("name", shown_pages())
def test_a_page_loads_whole_and_asks_nobody_else(site, visit, name, place):
    page = visit(f"{site[place]}/{name}.html")
    assert page.locator("h1").first.inner_text().strip()
    assert page.evaluate("document.fonts.status") == "loaded"
    formulas = page.locator(".math:not(.admonition)")
    assert formulas.count() == page.locator(".math > mjx-container").count()
    assert page.locator("mjx-merror").count() == 0
    views = page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    assert page.locator(".cnnlab-widget").count() == views
    assert page.locator(".widget-note.error").all_inner_texts() == []
    assert page.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*shown_pages(), "search"])
def test_a_page_has_no_accessibility_violation(site, visit, name, scheme):
    page = visit(f"{site['root']}/{name}.html", color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert axe(page) == []


@pytest.mark.parametrize("name", shown_pages())
def test_a_page_fits_a_telephone(site, visit, name):
    page = visit(f"{site['root']}/{name}.html", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("place", ["root", "sub-path", "file"])
def test_the_first_page_is_reached_from_the_folder(site, visit, place):
    page = visit(f"{site[place]}/index.html")
    page.wait_for_url("**/book/intro.html")
    assert page.problems == []


@pytest.mark.parametrize("place", ["root", "file"])
def test_search_finds_a_word_without_a_network(site, visit, place):
    page = visit(f"{site[place]}/search.html?q=seed")
    page.locator("#search-results li a").first.wait_for()
    assert "book/methods.html" in " ".join(a.get_attribute("href") for a in page.locator("#search-results li a").all())
    assert page.problems == []


def test_the_keyboard_jumps_over_the_navigation(site, visit):
    page = visit(f"{site['root']}/book/intro.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")


def test_one_search_field_is_shown(site, visit):
    page = visit(f"{site['root']}/book/intro.html")
    assert page.locator(".search-button__button:visible").count() == 1


def test_a_widget_is_left_out_on_paper(site, visit):
    page = visit(f"{site['root']}/book/intro.html")
    page.evaluate(
        "document.querySelector('article').insertAdjacentHTML('beforeend', '<div class=cnnlab-widget>x</div>')"
    )
    assert page.locator(".cnnlab-widget").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".cnnlab-widget").is_visible()


def test_on_paper_what_is_folded_lies_open_and_no_line_of_code_is_cut(site, visit):
    page = visit(f"{site['root']}/chapters/activations.html")
    folded = page.locator(".admonition.toggle-hidden p:not(.admonition-title)").first
    picture = page.locator("details.below-input img").first
    assert not folded.is_visible() and not picture.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible() and picture.is_visible()
    cut = "(all) => all.filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1).length"
    assert page.locator(".bd-article pre").evaluate_all(cut) == 0


def test_a_figure_of_two_panels_scrolls_on_a_telephone(site, visit):
    page = visit(f"{site['root']}/chapters/activations.html", width=390)
    page.wait_for_function("document.querySelectorAll('div.cell_output.wide').length === 4")
    wide = page.locator("div.cell_output.wide").first
    assert wide.evaluate("(one) => [one.scrollWidth, one.tabIndex, one.clientWidth < 390]") == [640, 0, True]


def test_links_back_do_not_lie_on_the_names_of_a_reference(site, visit):
    page = visit(f"{site['root']}/chapters/activations.html")
    overlap = """(links) => links.filter((one) => {
        const range = document.createRange(); range.selectNodeContents(one.parentElement.querySelector("p"));
        const [name] = range.getClientRects(), back = one.getBoundingClientRect();
        return back.right > name.left && back.left < name.left && back.bottom > name.top && back.top < name.bottom; })"""
    links = page.locator(".citation .backrefs")
    assert links.count() > 0 and links.evaluate_all(f"(all) => ({overlap})(all).length") == 0


def test_the_index_of_techniques_is_searched_as_one_types(site, visit):
    page = visit(f"{site['file']}/book/techniques.html")
    every = page.locator("table.techniques tbody tr:visible").count()
    page.get_by_label("Find a technique").fill("xavier  zebra")
    assert page.locator("table.techniques tbody tr:visible").count() == 0
    page.get_by_label("Find a technique").fill("GLOROT  calibrating")
    assert page.locator("table.techniques tbody tr:visible").all_inner_texts()[0].startswith("I03")
    assert page.locator(".techniques-search output").inner_text() == f"1 of {every} rows"
    page.goto(f"{site['file']}/book/techniques.html#i06")
    assert page.locator("table.techniques tr:target").inner_text().startswith("I06")
