from django.urls import path
from pictures import views

urlpatterns = [path("", views.index), path("add/<str:name>", views.add)]
