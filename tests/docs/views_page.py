"""Tests of the views in docs/how-to/views.md, to be run in the project that the page builds."""

from uuid import uuid4

from django.test import TestCase
from school.applications import DogSchool

from django_eventsourcing import get_application

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


class PageTests(TestCase):
    """Each view does what the page says."""

    def setUp(self):
        self.school = get_application(DogSchool)
        self.fido = self.school.register_dog("Fido")

    def test_class_based_views(self):
        taught = self.client.post(f"/dogs/{self.fido}/teach/", {"trick": "sit"})
        now = self.client.get(f"/dogs/{self.fido}/card/")
        before = self.client.get(f"/dogs/{self.fido}/card/1/")

        assert taught.status_code == 204
        self.assertContains(now, "<p>sit</p>", html=True)
        self.assertContains(before, "<p></p>", html=True)
        assert self.client.get(f"/dogs/{uuid4()}/card/").status_code == 404

    def test_conflicts(self):
        url = f"/dogs/{self.fido}/change/"

        first = self.client.post(url, {"trick": "sit", "version": 1})
        page = self.client.post(url, {"trick": "beg", "version": 1}, headers=HTML)
        answer = self.client.post(url, {"trick": "beg", "version": 1}, headers=JSON)

        self.assertRedirects(first, f"/dogs/{self.fido}/card/")
        self.assertContains(page, "<h1>Conflict</h1>", status_code=409, html=True)
        assert answer.status_code == 409
        assert list(answer.json()) == ["error"]
        assert self.school.get_tricks(self.fido) == ("sit",)

    def test_an_unknown_dog_is_not_found_by_the_middleware(self):
        answer = self.client.post(f"/dogs/{uuid4()}/teach/", {"trick": "sit"}, headers=JSON)

        assert answer.status_code == 404

    async def test_async_views(self):
        client = self.async_client
        registered = await client.post("/async/dogs/", {"name": "Rex"})
        dog = f"/async/dogs/{registered.json()['id']}/"
        taught = await client.post(f"{dog}teach/", {"trick": "sit"})
        shown = await client.get(dog)
        pair = await client.post("/async/pairs/", {"name": ["Billy", "Kim"]})
        missing = await client.get(f"/async/dogs/{uuid4()}/")

        assert registered.status_code == 201
        assert [taught.json(), shown.json()] == [{"tricks": ["sit"]}] * 2
        assert len(pair.json()["ids"]) == 2
        assert missing.status_code == 404
