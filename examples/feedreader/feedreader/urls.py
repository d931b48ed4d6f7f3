"""The addresses of the site."""

from django.urls import path

from feeds import demo, views

urlpatterns = [
    path("", views.index, name="index"),
    path("feeds/", views.add, name="add"),
    path("feeds/demo/", views.add_demo, name="add-demo"),
    path("feeds/<int:pk>/refresh/", views.refresh, name="refresh"),
    path("feeds/<int:pk>/remove/", views.remove, name="remove"),
    path("demo/feed.xml", demo.DemoFeed(), name="demo-feed"),
    path("demo/<slug:slug>/", demo.article, name="demo-article"),
    path("health", views.health, name="health"),
]
